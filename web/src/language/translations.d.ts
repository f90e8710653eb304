/** Made by the build: where the words of each language but English lie. */
declare module 'virtual:translations' {
  const addresses: Readonly<Record<string, string>>;
  export default addresses;
}
