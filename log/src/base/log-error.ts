/** Everything that can be wrong with a log that is read. */
export const LOG_ERROR_CODES = [
  // What was fetched has not the form that its specification gives it.
  'malformed',
  // No signature by a key that the policy names, or a wrong one; too few witnesses.
  'unsigned',
  'not_final',
  // The log has another past than it had, or its tiles do not have its root's hash.
  'inconsistent',
  // A tile or an entry is not where it has to be; the log of one's own lacks a file.
  'missing',
  'damaged',
  // The policy file is wrong.
  'bad_policy',
] as const;
export type LogErrorCode = (typeof LOG_ERROR_CODES)[number];

export class LogError extends Error {
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogError';
    this.code = code;
  }
}
