/** What stands around the box once the page is there: one file to fetch. */
export { default as CostLine } from '../credits/CostLine.svelte';
export { default as ComposerTools } from './ComposerTools.svelte';
