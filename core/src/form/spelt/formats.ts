/** Formats of JSON Schema that are spelt in a regular way, as patterns. The others only tell people something. */

const DIGITS_OF_DAY = '0[1-9]|[12]\\d';
const LEAP_DAY = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29';
const DATE = `(?:${LEAP_DAY}|\\d{4}-(?:(?:0[13578]|1[02])-(?:${DIGITS_OF_DAY}|3[01])|(?:0[469]|11)-(?:${DIGITS_OF_DAY}|30)|02-(?:0[1-9]|1\\d|2[0-8])))`;
const CLOCK = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?';
const OFFSET = '(?:Z|[-+](?:[01]\\d|2[0-3]):[0-5]\\d)';
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const LABEL = '[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?';
const ADDRESSEE = "[\\w!#$%&'*+/=?^`{|}~-]+";
const SECONDS = '\\d+(?:\\.\\d+)?S';
const TIME_SPAN = `T(?:\\d+H(?:\\d+M)?(?:${SECONDS})?|\\d+M(?:${SECONDS})?|${SECONDS})`;
const DAY_SPAN = '(?:\\d+Y(?:\\d+M)?(?:\\d+D)?|\\d+M(?:\\d+D)?|\\d+D)';

/** The patterns by the names of the formats. */
export const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date', `^${DATE}$`],
  ['time', `^${CLOCK}${OFFSET}$`],
  ['date-time', `^${DATE}T${CLOCK}${OFFSET}$`],
  ['duration', `^P(?:${DAY_SPAN}(?:${TIME_SPAN})?|${TIME_SPAN}|\\d+W)$`],
  ['uuid', '^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'],
  ['email', `^${ADDRESSEE}(?:\\.${ADDRESSEE})*@(?:${LABEL}\\.)+${LABEL}$`],
  ['hostname', `^${LABEL}(?:\\.${LABEL})*$`],
  ['ipv4', `^${BYTE}(?:\\.${BYTE}){3}$`],
  ['uri', "^[A-Za-z][-A-Za-z0-9+.]*:[-\\w.~:/?#[\\]@!$&'()*+,;=%]+$"],
]);
