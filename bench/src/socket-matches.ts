/** Matches over WebSockets: a fleet of providers on a connection each, that beat every second, and many who ask at once. */
import { modelName, someBusy, type FleetProvider } from './provider-fleet.ts';
import { MeshSocket } from './mesh-socket.ts';

/** A session may send 50 messages a second: together they can ask for 40,000. */
const ASKERS = 800;
const JOINING_AT_ONCE = 64;
const HEARTBEAT_MS = 1_000;
const BEAT_TICK_MS = 20;
/** How often one provider leaves and another comes. */
const REJOIN_MS = 100;

export interface SocketRun {
  matchesPerSecond: number;
  heartbeatsPerSecond: number;
  /** Matches that had to wait for a slot. */
  queued: number;
  /** The times from asking to the answer, including those that wait for their turn at the server. */
  matchMs: number[];
}

export class SocketMatches {
  readonly #port: number;
  readonly #fleet: readonly FleetProvider[];
  readonly #models: number;
  readonly #random: () => number;
  readonly #providers: MeshSocket[] = [];
  readonly #requesters: MeshSocket[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #failed: Error | null = null;
  #closed = false;
  #beating = true;
  #beats = 0;
  #queued = 0;
  #nextBeat = 0;
  #lastTickMs = 0;
  #nextRequester = 0;
  #requestId = 0;

  constructor(port: number, fleet: readonly FleetProvider[], models: number, random: () => number) {
    this.#port = port;
    this.#fleet = fleet;
    this.#models = models;
    this.#random = random;
  }

  get requesters(): number {
    return this.#requesters.length;
  }

  /** Resolves when everybody is there, and the fleet beats. */
  async fill(): Promise<void> {
    let next = 0;
    this.#startChurn();
    const some = async () => {
      for (let i = next++; i < this.#fleet.length + ASKERS; i = next++) {
        if (i < this.#fleet.length) this.#providers[i] = await this.#provider(i);
        else this.#requesters.push(await MeshSocket.join(this.#port));
      }
    };
    await Promise.all(Array.from({ length: JOINING_AT_ONCE }, some));
    this.#timers.push(setInterval(() => this.#rejoin(), REJOIN_MS));
  }

  /** Without beats, providers count as silent after 3.5 seconds. */
  set beating(beating: boolean) {
    this.#beating = beating;
  }

  /** Keeps `inFlight` matches under way for so long. Rejects when one was refused. */
  async run(inFlight: number, seconds: number): Promise<SocketRun> {
    const matchMs: number[] = [];
    const beganMs = performance.now();
    const [beats, queued] = [this.#beats, this.#queued];
    const one = async () => {
      while (performance.now() - beganMs < seconds * 1000) matchMs.push(await this.#match());
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    const took = (performance.now() - beganMs) / 1000;
    if (this.#failed !== null) throw this.#failed;
    return {
      matchesPerSecond: matchMs.length / took,
      heartbeatsPerSecond: (this.#beats - beats) / took,
      queued: this.#queued - queued,
      matchMs,
    };
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of [...this.#providers, ...this.#requesters]) socket?.close();
  }

  /** Resolves with how long it took. A requester has one question at a time, as there are more requesters than questions. */
  #match(): Promise<number> {
    const requester = this.#requesters[this.#nextRequester++ % this.#requesters.length]!;
    const requestId = this.#requestId++;
    const model = modelName(Math.floor(this.#random() * this.#models));
    return new Promise((resolve, reject) => {
      const beganMs = performance.now();
      requester.onMessage = (head) => {
        if (head.startsWith(`{"type":"matched","requestId":${requestId},"lease":"`))
          resolve(performance.now() - beganMs);
        else if (head.startsWith('{"type":"queued"')) this.#queued++;
        else if (/^{"type":"(matched|refused)"/.test(head)) reject(new Error(`not matched: ${head}`));
      };
      requester.send({ type: 'match', requestId, model, maxUnits: 512, exclude: [], only: null, prefer: null });
    });
  }

  async #provider(place: number): Promise<MeshSocket> {
    const { model, slots, busySlots } = this.#fleet[place]!;
    const socket = await MeshSocket.join(this.#port);
    socket.send({ type: 'advert', models: [model], slots, certificate: null });
    socket.send({ type: 'heartbeat', busySlots, queued: 0, units: 0 });
    return socket;
  }

  #startChurn(): void {
    this.#lastTickMs = performance.now();
    this.#timers.push(setInterval(() => this.#beatSome(), BEAT_TICK_MS));
  }

  /** Sends as many beats as are due: a late timer makes up for the time that it was late. */
  #beatSome(): void {
    const now = performance.now();
    if (!this.#beating) {
      this.#lastTickMs = now;
      return;
    }
    const due = (this.#fleet.length * (now - this.#lastTickMs)) / HEARTBEAT_MS;
    const whole = Math.floor(due);
    this.#lastTickMs += (whole * HEARTBEAT_MS) / this.#fleet.length;
    for (let i = 0; i < Math.min(whole, this.#fleet.length); i++) {
      const place = this.#nextBeat++ % this.#fleet.length;
      const busySlots = someBusy(this.#fleet[place]!.slots, this.#random);
      this.#providers[place]?.send({ type: 'heartbeat', busySlots, queued: 0, units: 20 });
      this.#beats++;
    }
  }

  #rejoin(): void {
    const place = Math.floor(this.#random() * this.#fleet.length);
    this.#providers[place]?.close();
    this.#provider(place).then(
      (socket) => {
        this.#providers[place] = socket;
        if (this.#closed) socket.close();
      },
      (error: Error) => {
        this.#failed = error;
      },
    );
  }
}
