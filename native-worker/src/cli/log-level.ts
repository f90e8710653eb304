/** The levels of the log, in a file of their own: the command line names them without loading a logger. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogForm = 'json' | 'pretty';
