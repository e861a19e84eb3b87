/// The routed low-rank updates of some tokens in one module, ready to be added to its outputs.
///
/// Made in two steps: the (token, adapter) terms are sorted by adapter, then `z = A · x` of every term
/// is computed, for all modules that share an input together.
package struct RoutedUpdate {
  /// The terms of tiles of tokens, in order.
  let tiles: [RoutedTerms]

  /// Sorts the terms.
  ///
  /// - Parameters:
  ///   - routing: Of as many adapters as `bank` has.
  ///   - tokensOfTile: Tokens whose updates are computed together.
  package init(_ routing: Routing, bank: LoRABank, tokensOfTile: Int) {
    tiles = stride(from: 0, to: routing.tokens, by: tokensOfTile).map { first in
      RoutedTerms(
        routing, tokens: first..<min(first + tokensOfTile, routing.tokens), bank: bank)
    }
  }

  /// Computes `z = A · x` of all terms of `updates`, in one parallel region.
  ///
  /// - Parameter x: `[tokens, inFeatures]`, row-major.
  package static func projectDown(
    _ updates: [RoutedUpdate], x: UnsafePointer<Float>, parallelism: Parallelism
  ) {
    RoutedTerms.projectDown(updates.flatMap(\.tiles), x: x, parallelism: parallelism)
  }
}
