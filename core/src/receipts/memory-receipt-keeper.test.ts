import { MemoryReceiptKeeper } from './memory-receipt-keeper.ts';
import { receiptKeeperSuite } from '../suites/receipt-keeper.ts';

receiptKeeperSuite('receipts kept in memory', async () => ({ keeper: new MemoryReceiptKeeper(), again: null }));
