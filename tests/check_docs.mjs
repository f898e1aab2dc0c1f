// check_docs.mjs — every public function says what it takes.
//
// In C (kiln.h and the headers beside it): each function that is marked KILN_API has a comment
// above it, its own or that of the functions it stands together with, and the comment names every
// parameter; handles, `bytes` with `size`, and `options` are explained in the head of kiln.h. A
// function whose name ends in _double has the parameters of the one without.
//
// In TypeScript: each function, method, accessor and field that can be reached from index.ts has a
// doc comment, which names every parameter; of an options object written in place, its members.
//
// What a comment says of shapes, ranges and errors no script can judge.

import { readFileSync } from 'node:fs';

import ts from 'typescript';

let errors = 0;
let seen = 0;
const done = new Set(); // declarations: `layers` and types name some again
function error(where, sentence) {
  console.error(`${where}: ${sentence}`);
  errors += 1;
}

/** Whether a text has a name as a word of its own: n in "x (n, C)", not in "one". */
function names(text, name) {
  return new RegExp(`(?<![\\p{L}\\p{N}_])${name}(?![\\p{L}\\p{N}_])`, 'u').test(text);
}

// --- C -------------------------------------------------------------------------------------------

/** Explained once, in the head of kiln.h. */
const EVERYWHERE = ['net', 'data', 'trainer', 'check', 'bytes', 'size', 'options'];

const lists = new Map(); // name → parameters

/** The functions of a header, each with the comment that speaks of it. */
function functionsOf(file) {
  const pieces = readFileSync(file, 'utf8')
    .matchAll(/\/\*([^]*?)\*\/|KILN_API [^;]*?\b(kiln_\w+)\(([^)]*)\);|(\n[ \t]*\n)/g);
  const found = [];
  let comment = null;
  for (const [, text, name, list, blank] of pieces) {
    if (text !== undefined) comment = /^ ----/.test(text) ? null : text;
    else if (blank !== undefined) comment = null;
    else if (name !== undefined) {
      const parameters = list.trim() === 'void' ? []
        : list.split(',').map((parameter) => /\w+$/.exec(parameter)[0]);
      lists.set(name, parameters);
      found.push({ file, name, parameters, comment });
    }
  }
  return found;
}

const head = /^\/\*([^]*?)\*\//.exec(readFileSync('src/kiln.h', 'utf8'))[1];
for (const name of EVERYWHERE) {
  if (!names(head, name)) error('src/kiln.h', `the head does not explain "${name}"`);
}
const headers = ['src/kiln.h', 'src/kiln_layers.h', 'src/kiln_formats.h'];
for (const { file, name, parameters, comment } of headers.flatMap(functionsOf)) {
  seen += 1;
  const single = name.replace(/_double$/, '');
  if (single !== name && lists.has(single)) {
    if (String(lists.get(single)) !== String(parameters)) {
      error(file, `${name} does not take what ${single} takes`);
    }
    continue;
  }
  if (comment === null) error(file, `${name} has no comment`);
  for (const parameter of comment === null ? [] : parameters) {
    if (!EVERYWHERE.includes(parameter) && !names(comment, parameter)) {
      error(file, `${name}: the comment does not name ${parameter}`);
    }
  }
}
if (seen < 100) error('src/kiln.h', `only ${seen} functions were found`);

// --- TypeScript ----------------------------------------------------------------------------------

const { config } = ts.readConfigFile('bindings/tsconfig.json', ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, 'bindings');
const program = ts.createProgram(['bindings/index.ts'], { ...options, noEmit: true });
const checker = program.getTypeChecker();

const isPrivate = (node) => node.name?.kind === ts.SyntaxKind.PrivateIdentifier ||
  (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0;

/** The doc comment right above a declaration, tags and all. */
function docOf(node) {
  const text = node.getSourceFile().text;
  const ranges = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
  const last = ranges.map(({ pos, end }) => text.slice(pos, end)).at(-1);
  return last?.startsWith('/**') ? last : null;
}

/** The words that a doc has to have for a parameter. */
function wordsOf({ name, type }) {
  if (ts.isIdentifier(name) && type && ts.isTypeLiteralNode(type)) {
    return type.members.map((member) => member.name.getText());
  }
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.filter((element) => !element.dotDotDotToken)
    .map((element) => (element.propertyName ?? element.name).getText());
}

function checkDoc(label, node) {
  if (done.has(node)) return;
  done.add(node);
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  const where = `${source.fileName.replace(`${process.cwd()}/`, '')}:${line + 1}`;
  const doc = docOf(node);
  seen += 1;
  if (doc === null) return error(where, `${label} has no doc comment`);
  for (const word of (node.parameters ?? []).flatMap(wordsOf)) {
    if (!names(doc, word)) error(where, `${label}: the doc comment does not name ${word}`);
  }
}

function checkClass(name, declaration) {
  checkDoc(name, declaration);
  for (const member of declaration.members) {
    if (isPrivate(member)) continue;
    const label = ts.isConstructorDeclaration(member) ? 'constructor' : member.name.getText();
    checkDoc(`${name}.${label}`, member);
  }
}

/** A name that index.ts gives away, and what hangs on it. */
function checkSymbol(name, symbol) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const [declaration] = target.declarations;
  if (target.flags & ts.SymbolFlags.ValueModule) { // optim
    for (const member of checker.getExportsOfModule(target)) {
      checkSymbol(`${name}.${member.name}`, member);
    }
  } else if (ts.isVariableDeclaration(declaration)) { // layers, and lists
    checkDoc(name, declaration.parent.parent);
    const type = checker.getTypeOfSymbolAtLocation(target, declaration);
    const members = checker.isArrayLikeType(type) ? [] : type.getProperties();
    for (const member of members) checkMember(`${name}.${member.name}`, member);
  } else if (ts.isClassDeclaration(declaration)) checkClass(name, declaration);
  else checkDoc(name, declaration);
}

/** Of an object of functions: the function that a member stands for. */
function checkMember(label, member) {
  const [signature] = checker.getTypeOfSymbol(member).getCallSignatures();
  if (signature) checkDoc(label, signature.declaration);
}

const start = seen;
const index = checker.getSymbolAtLocation(program.getSourceFile('bindings/index.ts'));
for (const symbol of checker.getExportsOfModule(index)) checkSymbol(symbol.name, symbol);
if (seen - start < 100) error('bindings/index.ts', `only ${seen - start} names were found`);

if (errors > 0) {
  console.error(`docs: ${errors} errors`);
  process.exit(1);
}
console.log(`docs: ${seen} public names say what they take`);
