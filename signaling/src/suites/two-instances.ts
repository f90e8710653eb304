/** What the suites of the cluster's ports ask for: two instances of one mesh, which find each other. */
import type { Cluster } from '../cluster/cluster.ts';

export interface TwoInstances {
  one: Cluster;
  other: Cluster;
  /** Lets so much time go by, on the clock that both were given. */
  pass: (ms: number) => Promise<void>;
  /** After a test, whatever it has closed already. */
  close: () => Promise<void>;
}
