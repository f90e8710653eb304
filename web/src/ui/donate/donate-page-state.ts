/** What the Donate page shows. */
import type { Connection } from '../../state/connection.svelte.ts';
import type { Background } from '../../state/donate/background.svelte.ts';
import type { Resting } from '../../state/donate/rest/resting.svelte.ts';
import type { Resume } from '../../state/donate/resume.svelte.ts';
import type { CreditsPageState } from '../credits/credits-page-state.ts';
import type { Benchmark } from '../../state/donate/checks/benchmark.svelte.ts';
import type { ReachCheck } from '../../state/donate/checks/reach-check.svelte.ts';
import type { Visitor } from '../../state/shell/visitor.svelte.ts';
import type { DonateState } from '../../state/donate/donate.svelte.ts';

export interface DonatePageState {
  donate: DonateState;
  background: Background;
  resting: Resting;
  resume: Resume;
  credits: CreditsPageState;
  visitor: Visitor;
  connection: Pick<Connection, 'clockNote'>;
  /** What can be found out about this device: a part of its own, the same each time. */
  checks: () => Promise<DeviceChecks>;
}

export interface DeviceChecks {
  benchmark: Benchmark;
  reach: ReachCheck;
}
