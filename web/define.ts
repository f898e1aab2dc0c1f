/** Gives the parts of the page their names, once: a page may load this file twice. */

import { CheckpointPanel } from './checkpoint-panel.js';
import { DataPanel } from './data-panel.js';
import { VIEW_ELEMENTS } from './define-views.js';
import { define } from './dom.js';
import { KeptPanel } from './kept-panel.js';
import { NetEditor } from './net-editor.js';
import { OptionPanel } from './option-panel.js';
import { KilnPage } from './page.js';
import { PhotoView } from './photo-view.js';
import { RunBar } from './run-bar.js';

export function defineElements(): void {
  define({
    'kiln-run-bar': RunBar,
    'kiln-net-editor': NetEditor,
    'kiln-option-panel': OptionPanel,
    'kiln-data-panel': DataPanel,
    'kiln-checkpoint-panel': CheckpointPanel,
    'kiln-kept-panel': KeptPanel,
    'kiln-photo-view': PhotoView,
    ...VIEW_ELEMENTS,
    'kiln-page': KilnPage, // last: it makes the others
  });
}

/** The parts that nobody needs before there is a run come after the page. */
export async function defineLater(): Promise<void> {
  const [{ ExportPanel }, { CoursePanel }] =
    await Promise.all([import('./export-panel.js'), import('./course-panel.js')]);
  define({ 'kiln-export-panel': ExportPanel, 'kiln-course-panel': CoursePanel });
  await import('./tries/tries-view.js');
  await Promise.all([
    import('./speed-run/speed-view.js'), import('./speed-run/recipe-view.js')]);
}
