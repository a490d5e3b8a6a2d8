import { start } from '../gate/gate';
import { ask } from '../ui/ask';
import { placeholder } from '../ui/placeholder';
import { reopen } from '../ui/reopen';
import { adapters } from './adapters';

// For a visitor who must be asked.
start(boot, adapters, { ask, reopen, placeholder });
