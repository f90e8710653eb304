/** What a conversation needs once something was said in it: one file to fetch. */
export { default as FindBar } from '../find/FindBar.svelte';
export { default as Turns } from './Turns.svelte';
