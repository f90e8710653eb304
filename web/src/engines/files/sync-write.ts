/** Writing through a synchronous handle, with the faults of full disks told apart. */

/** `base::File::FILE_ERROR_NO_SPACE` */
const CHROMIUM_NO_SPACE = -8;

/** All of `bytes` at this place. `written` hears how far it came. Throws what browsers throw, `QuotaExceededError` among them. */
export function writeAll(
  handle: FileSystemSyncAccessHandle,
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  written: (bytes: number) => void = () => {},
): void {
  let place = at;
  for (let rest = bytes; rest.byteLength > 0;) {
    const count = handle.write(rest, { at: place });
    if (count === 0 || count > rest.byteLength) throw notWritten(count);
    place += count;
    written(count);
    rest = rest.subarray(count);
  }
}

/** A full disk may take a part of what is written, and then nothing. Chromium returns its negative error, as an unsigned number. */
function notWritten(written: number): DOMException {
  const full = written === 0 || (written | 0) === CHROMIUM_NO_SPACE;
  return full
    ? new DOMException('Nothing more was written.', 'QuotaExceededError')
    : new DOMException(`Writing failed with ${written | 0}.`, 'NotReadableError');
}
