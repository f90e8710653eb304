/** The setup for the suites of the cluster's ports: two instances of one mesh, which find each other. */
import type { Cluster } from '../cluster/cluster.ts';

export interface TwoInstances {
  one: Cluster;
  other: Cluster;
  /** Advances the clock that both were given. */
  pass: (ms: number) => Promise<void>;
  /** Cleans up after a test, whatever it has closed already. */
  close: () => Promise<void>;
}
