/** Structured logs on stderr. Questions, answers and keys never reach it. */
import { pino, stdTimeFunctions, type Logger } from 'pino';
import type { LogForm, LogLevel } from './log-level.ts';
import { writeTo } from './standard-stream.ts';
import { terminalJson } from './terminal-text.ts';

/** Each line is handed to the system before the call returns: the last ones before the end matter most. */
export async function openLog(form: LogForm, level: LogLevel): Promise<Logger> {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime };
  const shown = form === 'json' ? (line: string) => line : await prettily();
  return pino(options, { write: (line) => writeTo(process.stderr, terminalJson(shown(line))) });
}

async function prettily(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({ colorize: process.stderr.isTTY, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss' });
  return (line) => pretty(line) ?? '';
}
