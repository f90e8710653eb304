/** What is wanted of a turn. */
export type Want = 'edit' | 'delete' | 'again' | 'more';
