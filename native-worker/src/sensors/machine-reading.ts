/** What is known of this machine at one moment. */
/** What the machine says; null: it cannot tell, which is no reason to pause. */
export interface MachineReading {
  /** Of all processor time since the reading before, what other programs had: 0 to 1. */
  othersCpuShare: number | null;
  /** Since somebody last used keyboard or pointer. */
  ownerIdleMs: number | null;
  onBattery: boolean | null;
  /** Of its hottest part, below the temperature at which the hardware saves itself. */
  headroomCelsius: number | null;
  /** It runs slower than it could, because of heat. */
  throttled: boolean | null;
  swapBytesPerSecond: number | null;
  /** Page faults that had to wait for the disk. */
  majorFaultsPerSecond: number | null;
  /** Of the last ten seconds, how long all programs at once waited for memory: 0 to 1. */
  memoryStallShare: number | null;
}

export const UNKNOWN_READING: MachineReading = {
  othersCpuShare: null,
  ownerIdleMs: null,
  onBattery: null,
  headroomCelsius: null,
  throttled: null,
  swapBytesPerSecond: null,
  majorFaultsPerSecond: null,
  memoryStallShare: null,
};
