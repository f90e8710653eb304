import { attackFigures, attackTable } from './attack-table.ts';
import { splitRows, splitTable } from './vote-split.ts';
console.log(splitTable(splitRows(1)));
console.log(attackTable(await attackFigures(1)));
