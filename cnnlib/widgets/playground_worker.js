// The networks of Playground in a worker; where none can start, in the page, whose end of a channel is `self` then.
import { serve } from "./shared/math/runs.js";

serve(self, self instanceof MessagePort ? 0 : 30);
