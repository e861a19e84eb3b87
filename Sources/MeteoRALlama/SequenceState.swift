import MeteoRAKernels

/// The keys and values of a sequence so far, for all layers: what a next token needs to know.
///
/// Memory grows with the positions, in blocks of 128. A state belongs to one sequence of one model
/// and is not safe to use from two threads at once.
package final class SequenceState {
  let layers: [AttentionCache]

  /// An empty sequence for a model of this shape.
  ///
  /// - Parameter positions: How many there will be, as far as is known: their memory then lies
  ///   together, and is read faster. It is taken when they come.
  package init(for configuration: LlamaConfiguration, expecting positions: Int = 0) {
    layers = (0..<configuration.layerCount).map { _ in
      AttentionCache(
        keyValueHeads: configuration.keyValueHeads, dimension: configuration.headDimension,
        expecting: positions)
    }
  }

  /// Positions held.
  package var count: Int { layers.first?.count ?? 0 }

  /// Bytes that keys and values take.
  package var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount } }
}
