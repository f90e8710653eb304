/** What the Donate page can find out about this device when its person asks. A part of its own: few do, and not often. */
import { lookByIce } from '../adapters/line/ice-look.ts';
import { warn } from '../adapters/log.ts';
import { Benchmark } from '../state/donate/checks/benchmark.svelte.ts';
import { ReachCheck } from '../state/donate/checks/reach-check.svelte.ts';
import type { DonateState } from '../state/donate/donate.svelte.ts';
import type { DeviceChecks } from '../ui/donate/donate-page-state.ts';
import type { Visit } from './visit.ts';

/** One for each page: what was measured stays shown when it is opened again. */
let opened: DeviceChecks | null = null;

export function openDonateChecks({ clock, control, door, connection }: Visit, donate: DonateState): DeviceChecks {
  const { holder, device } = donate;
  opened ??= {
    benchmark: new Benchmark({ holder, device, clock, failed: (error) => warn('measuring a model', error) }),
    reach: new ReachCheck({
      look: () => lookByIce(control.welcome?.iceServers ?? []),
      hidden: () => door.hidden,
      connected: () => connection.open,
      failed: (error) => warn('how this device can be reached', error),
    }),
  };
  return opened;
}
