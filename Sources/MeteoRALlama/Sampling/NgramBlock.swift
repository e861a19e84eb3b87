/// The tokens that would complete an n-gram that `tokens` holds already, as Transformers'
/// `no_repeat_ngram_size` counts them: prompt and answer together, padding never.
///
/// - Parameter ngramSize: n; 0 blocks nothing.
package func blockedTokens(after tokens: [Int], ngramSize: Int) -> Set<Int> {
  guard ngramSize > 0, tokens.count >= ngramSize else { return [] }
  let prefix = tokens.suffix(ngramSize - 1)
  var blocked: Set<Int> = []
  for start in 0...tokens.count - ngramSize {
    let end = start + ngramSize - 1
    if tokens[start..<end].elementsEqual(prefix) { blocked.insert(tokens[end]) }
  }
  return blocked
}
