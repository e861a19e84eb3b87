import Foundation
import MeteoRAKernels

/// Bytes that a run has to hold at once, added up before any of them is allocated.
///
/// What a pass itself needs is bounded by ``LlamaModel/rowsAtATime``; this is for what grows with
/// the number of positions: logits of all of them, keys and values, a trace.
package struct MemoryDemand {
  /// `Int.max` stands for all that is more.
  package private(set) var byteCount = 0

  package init() {}

  /// Adds `count` pieces of `bytes` each.
  package mutating func add(_ count: Int, times bytes: Int) {
    let (product, isTooLarge) = count.multipliedReportingOverflow(by: bytes)
    let (sum, overflow) = byteCount.addingReportingOverflow(isTooLarge ? Int.max : product)
    byteCount = overflow ? Int.max : sum
  }

  /// Throws if this machine's memory is smaller.
  ///
  /// - Parameter purpose: What needs the memory, as it begins a sentence.
  /// - Throws: ``LlamaError/exceedsMemory(purpose:byteCount:available:)``.
  package func require(for purpose: String) throws(LlamaError) {
    let available = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    guard byteCount <= available else {
      throw .exceedsMemory(purpose: purpose, byteCount: byteCount, available: available)
    }
  }
}

extension LlamaModel {
  /// Adds the keys and values of sequences of these lengths.
  package func addCaches(ofPositions counts: some Sequence<Int>, to demand: inout MemoryDemand) {
    let layer = AttentionCache(
      keyValueHeads: configuration.keyValueHeads, dimension: configuration.headDimension)
    for count in counts { demand.add(layers.count, times: layer.byteCount(of: count)) }
  }

  /// Throws if the machine has no memory for the keys and values of sequences of these lengths.
  package func requireMemory(forPositions counts: some Sequence<Int>) throws(LlamaError) {
    var demand = MemoryDemand()
    addCaches(ofPositions: counts, to: &demand)
    try demand.require(for: "the keys and values of the sequences")
  }

  /// Rows of a forward pass at most: 512, and fewer in a model so wide that one buffer of
  /// activations or logits would take more than 256 MiB.
  package var rowsAtATime: Int {
    let widest = max(
      configuration.hiddenSize, configuration.intermediateSize, configuration.vocabularySize,
      configuration.attentionHeads * configuration.headDimension)
    return min(max((64 << 20) / widest, 1), 512)
  }
}
