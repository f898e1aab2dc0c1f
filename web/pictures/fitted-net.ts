/** A net for data of another number of classes. */

/**
 * The net with its last affine layer as the library's sentence wants it for the data; null where
 * that is not what it says, or where the net does not end in such a layer.
 */
export function fittedNet(net: string, why: { code: string; message: string }): string | null {
  const wanted = /end it in affine (\d+)$/.exec(why.message)?.[1];
  if (why.code !== 'E_SHAPE' || wanted === undefined) return null;
  const last = /(affine\s+)\d+((?:\s+nobias)?\s*[-–→]\s*(?:softmax|svm)\b[^-–→]*)$/i;
  return last.test(net) ? net.replace(last, `$1${wanted}$2`) : null;
}
