/**
 * standalone.js: <kiln-trainer> with all it needs in one classic script, for pages that can load
 * no modules: opened as files, or in frames that have no origin. One thread, strict arithmetic; its
 * module has what a Trainer calls, and no course functions, which nothing here hands out.
 */

import '../../bindings/inline/inline.js';
import './define-trainer.js';
