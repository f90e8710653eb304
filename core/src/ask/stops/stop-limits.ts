/** How many stop sequences a question may have, and how long each may be, in UTF-16 units: all of them are looked for in each piece. */
export const MAX_STOPS = 16;
export const MAX_STOP_CHARACTERS = 256;
