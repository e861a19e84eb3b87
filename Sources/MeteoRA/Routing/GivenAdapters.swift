import MeteoRAKernels
import MeteoRALlama

/// The adapter of every token of a batch of sequences, as far as they go.
final class GivenAdapters: @unchecked Sendable {
  // Unchecked: it belongs to one generation, which belongs to one task at a time, and changes
  // between forward passes alone.

  /// By sequence and position; `adapterCount` for a token that only the base computes.
  private var adapters: [[Int32]]
  /// Adapters that there are.
  private let adapterCount: Int

  /// - Parameter adapters: By sequence and position, at least one each; indices below
  ///   `adapterCount`, or `nil` for the base alone.
  init(_ adapters: [[Int?]], adapterCount: Int) {
    self.adapters = adapters.map { sequence in
      sequence.map { Int32(truncatingIfNeeded: $0 ?? adapterCount) }
    }
    self.adapterCount = adapterCount
  }

  /// Adds a token to a sequence: it takes the adapter of the token before it.
  func appendToken(to sequence: Int) {
    guard let last = adapters[sequence].last else { return }
    adapters[sequence].append(last)
  }

  /// Gives the last token of a sequence to another adapter.
  func replaceLast(of sequence: Int, by adapter: Int?) {
    adapters[sequence].removeLast()
    adapters[sequence].append(Int32(truncatingIfNeeded: adapter ?? adapterCount))
  }

  /// The number of sequences.
  var sequenceCount: Int { adapters.count }

  /// One adapter for each row, among those of a bank that is empty behind all adapters.
  func routing(of rows: [RowOrigin]) -> Routing {
    Routing(
      adapters: rows.map { adapters[$0.sequence][$0.position] }, adapterCount: adapterCount + 1)
  }
}

extension AdapterSet {
  /// By layer and ``LinearModule/index``: banks of all adapters, with or without a row in the gates,
  /// and of an empty place behind them; `nil` where no adapter has the module.
  func banks(base: LlamaConfiguration) throws(MeteoRAError) -> [[LoRABank?]] {
    var banks: [[LoRABank?]] = []
    for layer in 0..<base.layerCount {
      var row: [LoRABank?] = []
      for module in LinearModule.allCases {
        let updates = adapters.map { $0.updates[layer][module.index] }
        let isChanged = updates.contains { $0 != nil }
        row.append(
          isChanged ? try LoRABank(adapters: updates + [nil], of: module, base: base) : nil)
      }
      banks.append(row)
    }
    return banks
  }
}
