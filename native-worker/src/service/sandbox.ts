/** What systemd forbids the worker, should strangers ever run code in it (systemd.exec(5)). */

/** Rules enforced by system call filters, which work for every user. */
export const FILTERS = [
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'ProtectHostname=yes',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
];

/**
 * Rules that need a user namespace for an ordinary user, see `Service.install`. Left out: PrivateDevices and
 * ProtectClock, which take graphics cards away, and MemoryDenyWriteExecute, without which no JavaScript is compiled.
 */
export const WALLS = [
  'PrivateUsers=yes',
  'CapabilityBoundingSet=',
  'PrivateMounts=yes',
  'PrivateTmp=yes',
  'ProtectControlGroups=yes',
  'ProtectHome=read-only',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'ProtectProc=invisible',
  'ProtectSystem=strict',
];
