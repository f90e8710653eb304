/** What the page needs around a conversation once it is there: one file to fetch. */
export { default as ContextMeter } from '../ContextMeter.svelte';
export { default as FindBar } from '../find/FindBar.svelte';
export { default as MissingTalk } from '../MissingTalk.svelte';
export { default as NotSaved } from '../NotSaved.svelte';
export { default as Turns } from './Turns.svelte';
