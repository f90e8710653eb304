/** What a conversation needs once something was said in it, and what the page seldom says before: one file to fetch. */
export { default as ContextMeter } from '../ContextMeter.svelte';
export { default as CostLine } from '../credits/CostLine.svelte';
export { default as MissingTalk } from '../MissingTalk.svelte';
export { default as NotSaved } from '../NotSaved.svelte';
export { default as FindBar } from '../find/FindBar.svelte';
export { default as Turns } from './Turns.svelte';
