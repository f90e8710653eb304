/** For tests: peers with links only to one in the middle, `b`, over WebRTC in memory or of the host. */
import type { Channel, Message } from '../peers/channel.ts';
import { realClock } from '../base/clock.ts';
import { makeCredentials } from '../transport/seal/credentials.ts';
import { newPeerId, type PeerId } from '../base/ids.ts';
import { IntroducedTransport, type IntroducedTransportOptions } from '../peers/introduced-transport.ts';
import { Introductions } from '../peers/introductions.ts';
import { Links } from '../peers/links.ts';
import { MemoryNetwork } from './memory-transport.ts';
import type { IntroductionMessage } from '../protocol.ts';
import { SealedTransport } from '../transport/seal/seal.ts';
import { newIdentity, never } from './mesh-world.ts';

export class Circle {
  readonly network = new MemoryNetwork();
  readonly ends: { links: Links; transport: IntroducedTransport }[] = [];
  readonly b = newPeerId();
  readonly #connect: IntroducedTransportOptions['connect'];
  readonly clock;
  /** Lets `b` tamper with messages to it; left out: it passes on what it should. */
  lie: ((channel: Channel, message: IntroductionMessage) => boolean) | null = null;

  constructor(connect: IntroducedTransportOptions['connect'], clock = realClock) {
    this.#connect = connect;
    this.clock = clock;
    this.#join(this.b);
  }

  #join(self: PeerId) {
    const { clock } = this;
    const introductions = new Introductions(clock);
    const heard = (channel: Channel, message: Message) => {
      if (!message.kind.startsWith('INTRO')) throw new Error(`${message.kind} is not expected here`);
      const said = message as IntroductionMessage;
      if (self !== this.b || this.lie?.(channel, said) !== true) introductions.handle(channel, said);
    };
    const links = new Links(this.network.join(self), clock, {
      opened() {},
      message: heard,
      closed: (channel) => introductions.channelClosed(channel),
    });
    introductions.linkTo = (peer) => links.to(peer);
    introductions.through = (peer) => links.all().filter((channel) => channel.peer !== peer);
    const transport = new IntroducedTransport({ self, introductions, connect: this.#connect, clock });
    this.ends.push({ links, transport });
    return { links, transport, introductions };
  }

  async join(self = newPeerId()) {
    const end = this.#join(self);
    await end.links.open(this.b, never);
    return end;
  }

  async joinSealed() {
    const identity = newIdentity();
    const credentials = await makeCredentials(identity);
    const { transport } = await this.join(identity.peerId);
    return new SealedTransport(transport, { credentials, clock: this.clock });
  }

  /** Sends a message in the name of `b`. */
  say(to: PeerId, message: IntroductionMessage): void {
    this.ends[0]?.links.to(to)?.send(message);
  }

  async close() {
    for (const { links, transport } of this.ends) {
      transport.close();
      links.close();
    }
  }
}
