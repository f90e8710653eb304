/** A Redis server of our own, and as thin a client as there can be: whole commands out, whole replies in. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Reply = string | number | null | Reply[];

const CRLF = 2;

export class Redis {
  static available(): string | null {
    const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
    return /v=(\S+)/.exec(stdout ?? '')?.[1] ?? null;
  }

  readonly #server: ChildProcess;
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #next = 0;
  #buffer: Buffer = Buffer.alloc(0);
  #out: string[] = [];

  private constructor(server: ChildProcess, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    socket.on('data', (data: Buffer) => this.#read(data));
  }

  /** Nothing goes to disk. Rejects when it does not start. */
  static async start(port: number): Promise<Redis> {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const server = spawn('redis-server', args, { stdio: 'ignore' });
    for (let tries = 0; tries < 100; tries++) {
      const socket = connect(port, '127.0.0.1').setNoDelay(true);
      const open = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      if (open) return new Redis(server, socket);
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    server.kill();
    throw new Error(`redis-server did not open port ${port}`);
  }

  /** Rejects with an error of Redis. Commands of one turn of the event loop go out together. */
  ask(...command: (string | number)[]): Promise<Reply> {
    let text = `*${command.length}\r\n`;
    // Everything that is sent here is ASCII.
    for (const part of command) text += `$${String(part).length}\r\n${part}\r\n`;
    if (this.#out.length === 0) queueMicrotask(() => this.#flush());
    this.#out.push(text);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    const ended = once(this.#server, 'exit');
    this.#server.kill();
    await ended;
  }

  #flush(): void {
    this.#socket.write(this.#out.join(''));
    this.#out = [];
  }

  #read(data: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? data : Buffer.concat([this.#buffer, data]);
    this.#next = 0;
    for (;;) {
      const start = this.#next;
      const reply = this.#reply();
      if (reply === undefined) {
        this.#buffer = this.#buffer.subarray(start);
        return;
      }
      this.#waiting.shift()?.(reply);
    }
  }

  /** undefined: the rest has not come yet. */
  #reply(): Reply | undefined {
    const end = this.#buffer.indexOf('\r\n', this.#next);
    if (end < 0) return undefined;
    const kind = this.#buffer[this.#next];
    const line = this.#buffer.toString('latin1', this.#next + 1, end);
    this.#next = end + CRLF;
    if (kind === 0x3a) return Number(line);
    if (kind === 0x2b) return line;
    if (kind === 0x2d) throw new Error(`Redis: ${line}`);
    const length = Number(line);
    if (length < 0) return null;
    if (kind === 0x24) {
      if (this.#buffer.length < this.#next + length + CRLF) return undefined;
      const text = this.#buffer.toString('latin1', this.#next, this.#next + length);
      this.#next += length + CRLF;
      return text;
    }
    const list: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const reply = this.#reply();
      if (reply === undefined) return undefined;
      list.push(reply);
    }
    return list;
  }
}
