/** How this device can be reached, and what its person can do about it. */
import type { Reached } from '../../../state/donate/checks/reach-check.svelte.ts';

export interface ReachWords {
  good: boolean;
  /** What was found. */
  title: string;
  /** What it means, and what to do. */
  advice: string;
}

export const REACH_WORDS: Record<Reached, ReachWords> = {
  direct: {
    good: true,
    title: 'Others can reach this computer directly.',
    advice:
      'Nothing needs to be done. Now and then somebody behind a strict firewall still comes by the relay of the mesh.',
  },
  local: {
    good: true,
    title: 'Computers on your own network can reach this one directly.',
    advice:
      'Whether others can is not known: this mesh names no server outside that could say so (STUN). Whoever runs the mesh can name one.',
  },
  strict: {
    good: false,
    title: 'Only some people can reach this computer directly.',
    advice:
      'Your router gives every connection another port, as many offices and mobile networks do. The others come by the relay of the mesh, which is slower. It helps to switch on UPnP in the router, to leave a VPN, or to use a network at home.',
  },
  relay: {
    good: false,
    title: 'Others reach this computer only through a relay.',
    advice:
      'Direct connections (UDP) do not get out of your network. Lending works, a little slower, and model files are not shared. It helps to allow UDP in the firewall, or to leave a VPN.',
  },
  blocked: {
    good: false,
    title: 'Nobody outside answered this computer.',
    advice:
      'Direct connections (UDP) do not get out of your network, so others come by the relay of the mesh, where it has one. It helps to allow UDP in the firewall, to leave a VPN, or to try another network.',
  },
  none: {
    good: false,
    title: 'This computer has no address that others could use.',
    advice:
      'The browser, an extension or a policy hides them all. Others come by the relay of the mesh, where it has one. Allow WebRTC for this site, or use another browser.',
  },
  hidden: {
    good: true,
    title: 'You hide your address, so everything goes through the relay.',
    advice:
      'That is your choice in the settings of Chat. Lending works, a little slower, and model files are not shared.',
  },
  offline: {
    good: false,
    title: 'The mesh cannot be reached at all.',
    advice: 'Check the connection. When the mesh is there again, check once more.',
  },
  absent: {
    good: false,
    title: 'This browser makes no connections to other computers (WebRTC).',
    advice:
      'An extension or a setting may have switched it off: allow it for this site. Until then, everything goes through the relay of the mesh, where it has one.',
  },
};
