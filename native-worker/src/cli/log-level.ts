/** What can be asked of a log, apart from it: the command line names these without loading a logger. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogForm = 'json' | 'pretty';
