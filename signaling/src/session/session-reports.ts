/** One peer's access to the audits: its reports as an auditor, rate-limited, each of them answered. */
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { AuditOffice } from '../audit/audit-office.ts';
import type { Metrics } from '../metrics.ts';

/** A computer checks some answers a minute; after an outage it sends what it has gathered. */
const RATE = { perSecond: 2, burst: 30 };

export interface SessionReportsNeeds {
  clock: Clock;
  audits: Pick<AuditOffice, 'report'>;
  metrics: Metrics;
}

export class SessionReports {
  readonly #needs: SessionReportsNeeds;
  readonly #bucket: TokenBucket;

  constructor(needs: SessionReportsNeeds) {
    this.#needs = needs;
    this.#bucket = new TokenBucket(needs.clock, RATE);
  }

  /** The reply to `by`. Never rejects. */
  async file(by: PeerId, { requestId, report }: Extract<ToServer, { type: 'report' }>): Promise<FromServer> {
    try {
      if (!this.#bucket.take(1)) throw new MeshError('rate_limited', 'Too many reports at once. Slow down.');
      const bytes = fromBase32(report);
      if (bytes === null) throw new MeshError('bad_message', 'This report is not kept. It cannot be read.');
      await this.#needs.audits.report(by, bytes);
      return { type: 'filed', requestId };
    } catch (thrown) {
      const { code, message } = asMeshError(thrown, 'busy', 'The mesh cannot keep reports right now.');
      this.#needs.metrics.auditReportsRefused.inc({ code });
      return { type: 'refused', requestId, code, message };
    }
  }
}
