/** Hands bytes to the person as a file, by the browser's own way of saving. */
export function saveFile(name: string, bytes: Uint8Array): void {
  const address = URL.createObjectURL(new Blob([Uint8Array.from(bytes)], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has its own reference to the bytes by now.
  URL.revokeObjectURL(address);
}
