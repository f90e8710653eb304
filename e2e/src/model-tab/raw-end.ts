/** One end of a data channel with nothing above it, in Node or in a browser: what the pieces of models are measured against. */
import { realClock } from '@llmesh/core/base/clock';
import { RtcConnection, type RtcPeerConnection } from '@llmesh/core/transport/rtc-connection';
import { BULK_HIGH_WATER_BYTES, MAX_BULK_BYTES } from '@llmesh/core/transport/transport';
import type { RawCommand } from './commands.ts';

export class RawEnd {
  readonly #connect: () => RtcPeerConnection;
  #connection: RtcConnection | null = null;

  constructor(connect: () => RtcPeerConnection) {
    this.#connect = connect;
  }

  async run(command: RawCommand): Promise<unknown> {
    switch (command.do) {
      case 'raw offer':
        return this.#new().offer();
      case 'raw answer':
        return this.#new().answer(command.sdp);
      case 'raw answered':
        return this.#lane().connection.answered(command.sdp);
      case 'raw send':
        return this.#send(command.bytes);
      case 'raw receive':
        return this.#receive(command.bytes);
      case 'raw close':
        return this.#connection?.close();
      default:
        return command satisfies never;
    }
  }

  #new(): RtcConnection {
    this.#connection = new RtcConnection(this.#connect(), realClock);
    return this.#connection;
  }

  /** As much as the data channel takes, in messages as large as those of the bulk lane. */
  async #send(total: number): Promise<void> {
    const { lane } = this.#lane();
    await new Promise<void>((resolve) => (lane.opened = resolve));
    for (let sent = 0; sent < total; sent += MAX_BULK_BYTES) {
      if (lane.bufferedBytes > BULK_HIGH_WATER_BYTES) await new Promise<void>((resolve) => (lane.drained = resolve));
      lane.send(new Uint8Array(MAX_BULK_BYTES));
    }
  }

  /** Milliseconds from the first message to the last. */
  #receive(total: number): Promise<number> {
    const { lane } = this.#lane();
    let [received, firstMs] = [0, 0];
    return new Promise((resolve) => {
      lane.receive = ({ byteLength }) => {
        if (received === 0) firstMs = performance.now();
        received += byteLength;
        if (received >= total) resolve(performance.now() - firstMs);
      };
    });
  }

  #lane() {
    const connection = this.#connection;
    if (connection === null) throw new Error('there is no connection yet');
    return { connection, lane: connection.bulk };
  }
}
