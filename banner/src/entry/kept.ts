import { start } from '../gate/gate';
import { placeholder } from '../ui/placeholder';
import { reopen } from '../ui/reopen';
import { adapters } from './adapters';

// For a visitor whose decision is known.
start(boot, adapters, { reopen, placeholder });
