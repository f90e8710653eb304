/** One answer on its way to one auditor, and the report on its way back. */
import { onAbort } from '../base/abort.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { ModelId } from '../base/ids.ts';
import { FIRST_PIECE_MS, MS_PER_BYTE } from '../policy/patience.ts';
import { AUDIT_UNITS, type AuditTask } from '../tasks/audit-task.ts';
import type { Leased } from '../wire/candidate.ts';
import { Attempt, type AttemptNeeds } from './attempt.ts';

export interface AuditRequest {
  task: AuditTask;
  model: ModelId;
  /** `proof/evidence.ts`, packed. */
  evidence: Uint8Array<ArrayBuffer>;
}

/** The bytes of its report, unread; null: it could not be reached, refused, took too long, or `signal` aborted. */
export function askAuditor(
  auditor: Leased,
  { task, model, evidence }: AuditRequest,
  needs: AttemptNeeds,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const input = { evidence };
  const part = { kind: task, model, input, maxUnits: AUDIT_UNITS, check: task.check(input, auditor.model), offset: 0 };
  return new Promise((resolve) => {
    let stop = () => {};
    const end = (report: Uint8Array<ArrayBuffer> | null) => {
      stop();
      resolve(report);
    };
    let attempt;
    try {
      attempt = new Attempt(auditor, part, needs, (_, event) => {
        if (event.type === 'whole') end(event.whole.result.report);
        else if (event.type === 'failed') end(null);
      });
    } catch {
      // Its lease is for something else: it would refuse it as well.
      end(null);
      return;
    }
    const asked = attempt;
    const late = () => asked.fail(new MeshError('provider_lost', 'The auditor did not answer.'));
    const stopTimer = needs.clock.after(FIRST_PIECE_MS + MS_PER_BYTE * evidence.byteLength, late);
    const stopAbort = onAbort(signal, () => asked.fail(cancelled()));
    stop = () => {
      stopTimer();
      stopAbort();
    };
  });
}
