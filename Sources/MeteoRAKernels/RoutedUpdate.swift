// RoutedUpdate: what adapters add in one module, cut as the input of its base product is.
//
//   ProductInput     tile 0       tile 1       tile 2       rows
//   RoutedUpdate     terms 0      terms 1      terms 2      sorted by adapter: RoutedTerms.swift
//                    z = A · x    z = A · x    z = A · x    all tiles of all modules: one region
//
// The other half, B · z, is computed panel by panel where the base product is: LinearProduct.swift.

/// The routed low-rank updates of a product's input in one module, ready to be added to its
/// outputs: the terms of the input's tiles.
package struct RoutedUpdate {
  /// In order.
  let tiles: [RoutedTerms]

  /// Sorts what adapters add.
  ///
  /// - Parameters:
  ///   - bank: As many adapters as `routing` knows.
  ///   - rowsOfTile: Rows that are sorted together, at most.
  ///   - inputDropout: Multiplies x before A.
  ///   - outputDropout: Multiplies `B · z` of every term, before its factor.
  package init(
    _ routing: Routing, bank: LoRABank, rowsOfTile: Int, inputDropout: LoRADropout? = nil,
    outputDropout: LoRADropout? = nil
  ) {
    tiles = stride(from: 0, to: routing.tokens, by: rowsOfTile).map { first in
      RoutedTerms(
        routing, tokens: first..<min(first + rowsOfTile, routing.tokens), bank: bank,
        dropout: (inputDropout, outputDropout))
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

extension ProductInput {
  /// Sorts what adapters add to the product of this input with the weights of each module; see
  /// ``RoutedUpdate/projectDown(_:x:parallelism:)`` for what comes next.
  ///
  /// - Parameter choices: For each module the choice of every row, and its adapters, as many as the
  ///   routing knows; `nil` for a module without.
  /// - Returns: `nil` if all updates together were too much memory to be held while the products
  ///   run.
  package func updates(
    _ choices: [(routing: Routing, bank: LoRABank)?]
  ) -> [RoutedUpdate?]? {
    let elements = choices.reduce(0) { sum, choice in
      guard let choice else { return sum }
      return sum
        + RoutedTerms.mostElements(tokens: rows, topK: choice.routing.topK, bank: choice.bank)
    }
    guard elements <= RoutedTerms.elementBudget else { return nil }
    return choices.map { choice in
      choice.map { choice in
        RoutedUpdate(choice.routing, bank: choice.bank, rowsOfTile: rowsOfTile)
      }
    }
  }
}
