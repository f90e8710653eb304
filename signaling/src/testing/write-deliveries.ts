/** A program that fills the `mesh.db` of a folder until it is killed. */
import { DeliveryTable } from '../receipts/delivery-table.ts';
import { writeForever } from './write-forever.ts';

await writeForever(new DeliveryTable(process.argv[2] ?? null));
