/** Structured logs on stderr. Nothing here ever gets a question, an answer or a key to write. */
import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { LogForm, LogLevel } from './log-level.ts';

const STDERR = 2;

/** Each line is written before the call returns: the last ones before the end matter most. */
export async function openLog(form: LogForm, level: LogLevel): Promise<Logger> {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime };
  if (form === 'json') return pino(options, pino.destination({ dest: STDERR, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const colorize = process.stderr.isTTY;
  return pino(options, pretty({ destination: STDERR, sync: true, colorize, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss' }));
}
