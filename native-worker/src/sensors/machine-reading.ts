/** What is known about this machine at one moment; null: it cannot tell, which is no reason to pause. */
export interface MachineReading {
  /** The share of processor time that other programs had since the last reading: 0 to 1. */
  othersCpuShare: number | null;
  /** The time since somebody last used keyboard or pointer. */
  ownerIdleMs: number | null;
  onBattery: boolean | null;
  /** How far its hottest part is below the temperature at which the hardware protects itself. */
  headroomCelsius: number | null;
  /** Whether it runs slower than it could, because of heat. */
  throttled: boolean | null;
  swapBytesPerSecond: number | null;
  /** Page faults that had to wait for the disk. */
  majorFaultsPerSecond: number | null;
  /** The share of the last ten seconds in which all programs waited for memory: 0 to 1. */
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
