import MeteoRAKernels

/// The keys and values of a sequence so far, for all layers: what a next token needs to know.
///
/// Memory grows with the positions, 128 at a time. A state belongs to one sequence of one model
/// and is not safe to use from two threads at once.
package final class SequenceState {
  let layers: [AttentionCache]

  /// An empty sequence for a model of this shape.
  package init(for configuration: LlamaConfiguration) {
    layers = (0..<configuration.layerCount).map { _ in
      AttentionCache(
        keyValueHeads: configuration.keyValueHeads, dimension: configuration.headDimension)
    }
  }

  /// Positions held.
  package var count: Int { layers.first?.count ?? 0 }

  /// Bytes that keys and values take.
  package var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount } }
}
