/** Where the downloads are kept: the page looks there before it fetches the code that goes on with them. */
export const DOWNLOADS_KEY = 'record/downloads';
