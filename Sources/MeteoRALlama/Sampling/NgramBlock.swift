/// The tokens that would complete an n-gram that `tokens` holds already, as Transformers'
/// `no_repeat_ngram_size` counts them: prompt and answer together, padding never.
///
/// - Parameter ngramSize: n; 0 blocks nothing.
package func blockedTokens(after tokens: [Int], ngramSize: Int) -> Set<Int> {
  guard ngramSize > 0, tokens.count >= ngramSize else { return [] }
  let prefix = Array(tokens.suffix(ngramSize - 1))
  // As Knuth, Morris and Pratt search, so that long n-grams cost no more than short ones:
  // `fallbacks[n]` is the longest beginning of the prefix that also ends its first n tokens.
  var fallbacks = [0, 0]
  var blocked: Set<Int> = []
  var matched = 0
  for token in prefix.dropFirst() {
    while matched > 0, prefix[matched] != token { matched = fallbacks[matched] }
    if prefix[matched] == token { matched += 1 }
    fallbacks.append(matched)
  }
  matched = 0
  for token in tokens {
    if matched == prefix.count {
      blocked.insert(token)
      matched = fallbacks[matched]
    }
    while matched > 0, prefix[matched] != token { matched = fallbacks[matched] }
    if !prefix.isEmpty, prefix[matched] == token { matched += 1 }
  }
  return blocked
}
