import MeteoRAMath

// Routing: which adapters every token takes, and with what weight.
//
//   g [tokens, adapters]        gate logits
//   I = the k largest of g      see TopK.swift
//   t[i] = g[i] / T             i ∈ I
//   m = max t                   e[i] = exp(t[i] − m)
//   D = dot(e, 1)               i ascending
//   w[i] = e[i] / D             k = 1: w = 1 by rule

/// The adapters that each token of a module takes, and their weights.
///
/// The terms of a token stand in ascending adapter index, the order in which the arithmetic adds
/// them; ``selected(token:)`` gives them in the order of the gate logits.
public struct Routing: Sendable, Equatable {
  /// Tokens that were routed.
  public let tokens: Int
  /// Adapters a token takes.
  public let topK: Int
  /// Adapters there are.
  public let adapterCount: Int
  /// `[tokens, topK]`, ascending within a token.
  public let adapters: [Int32]
  /// `[tokens, topK]`, aligned with ``adapters``.
  public let weights: [Float]
  /// `[tokens, topK]`: the place, among the ascending terms of its token, of the adapter with the
  /// j-th largest gate logit.
  let ranking: [Int32]

  /// Routes by gate logits: the `topK` largest, softmax of their quotients with `temperature`.
  ///
  /// NaN ranks above +∞. Where NaN or +∞ is selected, or nothing but −∞, or the quotient with a tiny
  /// temperature overflows, all weights of the token are NaN, unless `topK` is 1: the weight is then 1 by rule.
  ///
  /// - Parameters:
  ///   - logits: `[tokens, adapterCount]`, row-major.
  ///   - topK: 1 … `adapterCount`.
  ///   - temperature: Finite, above 0; divides the selected logits.
  /// - Throws: ``KernelError`` if an argument is out of range or `logits` has another size.
  /// - SeeAlso: arXiv:2405.13053, the gating network of the MeteoRA module.
  public init(
    logits: [Float], tokens: Int, adapterCount: Int, topK: Int, temperature: Float
  ) throws(KernelError) {
    try Self.requireTemperature(temperature)
    try requireElements(logits.count, shape: [tokens, adapterCount], of: "gate logits")
    try requireRouter(topK: topK, adapterCount: adapterCount)
    self = logits.withUnsafeBufferPointer { logits in
      Routing(
        checked: logits, tokens: tokens, adapterCount: adapterCount, topK: topK,
        temperature: temperature)
    }
  }

  /// As ``init(logits:tokens:adapterCount:topK:temperature:)``, for arguments that were checked.
  package init(
    checked logits: UnsafeBufferPointer<Float>, tokens: Int, adapterCount: Int, topK: Int,
    temperature: Float
  ) {
    var selected = [Int32](repeating: 0, count: tokens * topK)
    selected.withUnsafeMutableBufferPointer { selected in
      guard let indices = selected.baseAddress, let values = logits.baseAddress else { return }
      for token in 0..<tokens {
        selectLargest(
          topK, of: values + token * adapterCount, count: adapterCount, to: indices + token * topK)
      }
    }
    self.tokens = tokens
    self.topK = topK
    self.adapterCount = adapterCount
    let order = Self.ascendingOrder(of: selected, tokens: tokens, topK: topK)
    adapters = order.adapters
    ranking = order.ranking
    weights = Self.weights(
      of: order.adapters, logits: logits, tokens: tokens, adapterCount: adapterCount,
      topK: topK, temperature: temperature)
  }

  /// Takes a choice made elsewhere.
  ///
  /// - Parameters:
  ///   - selected: `[tokens, topK]` distinct adapter indices per token, largest gate logit first.
  ///   - weights: `[tokens, topK]`, aligned with `selected`.
  /// - Throws: ``KernelError`` if a size is wrong, an index is not below `adapterCount`, or a token
  ///   names an adapter twice.
  public init(
    selected: [Int32], weights: [Float], tokens: Int, topK: Int, adapterCount: Int
  ) throws(KernelError) {
    try requireRouter(topK: topK, adapterCount: adapterCount)
    try requireElements(selected.count, shape: [tokens, topK], of: "selected")
    try requireElements(weights.count, shape: [tokens, topK], of: "weights")
    let order = Self.ascendingOrder(of: selected, tokens: tokens, topK: topK)
    for (index, adapter) in order.adapters.enumerated() {
      let repeated = index % topK > 0 && order.adapters[index - 1] == adapter
      guard adapter >= 0, adapter < adapterCount, !repeated else {
        throw .invalidSelection(
          token: index / topK, adapter: Int(adapter), adapterCount: adapterCount)
      }
    }
    var aligned = weights
    for (place, term) in order.ranking.enumerated() {
      aligned[place / topK * topK + Int(term)] = weights[place]
    }
    self.tokens = tokens
    self.topK = topK
    self.adapterCount = adapterCount
    self.weights = aligned
    adapters = order.adapters
    ranking = order.ranking
  }

  /// The only adapter of a bank for every token, with weight 1.
  package init(onlyAdapterFor tokens: Int) {
    self.tokens = tokens
    topK = 1
    adapterCount = 1
    adapters = [Int32](repeating: 0, count: tokens)
    weights = [Float](repeating: 1, count: tokens)
    ranking = adapters
  }

  /// The adapters of `token`, largest gate logit first, with their weights; none if there is no such
  /// token.
  public func selected(token: Int) -> [(adapter: Int, weight: Float)] {
    guard (0..<tokens).contains(token) else { return [] }
    return (0..<topK).map { rank in
      let term = token * topK + Int(ranking[token * topK + rank])
      return (Int(adapters[term]), weights[term])
    }
  }

  /// Throws unless `temperature` is finite and above zero.
  package static func requireTemperature(_ temperature: Float) throws(KernelError) {
    guard temperature.isFinite, temperature > 0 else {
      throw .outOfRange(
        argument: "router temperature", actual: "\(temperature)", allowed: "finite, above 0")
    }
  }
}

extension Routing {
  /// As ``softmax(inPlace:count:)`` of every token's terms, with one call for all exponentials.
  private static func weights(
    of adapters: [Int32], logits: UnsafeBufferPointer<Float>, tokens: Int, adapterCount: Int,
    topK: Int, temperature: Float
  ) -> [Float] {
    var weights = [Float](repeating: 1, count: tokens * topK)
    guard topK > 1 else { return weights }
    weights.withUnsafeMutableBufferPointer { weights in
      guard let all = weights.baseAddress else { return }
      for token in 0..<tokens {
        let row = all + token * topK
        let values = logits.baseAddress.map { $0 + token * adapterCount }
        guard let values else { return }
        for term in 0..<topK {
          row[term] = values[Int(adapters[token * topK + term])] / temperature
        }
        subtractLargest(row, count: topK)
      }
      CorrectlyRounded.exp(inPlace: weights)
      for token in 0..<tokens { divideBySum(all + token * topK, count: topK) }
    }
    return weights
  }

  /// Sorts the adapters of every token, and remembers where each one went.
  private static func ascendingOrder(
    of selected: [Int32], tokens: Int, topK: Int
  ) -> (adapters: [Int32], ranking: [Int32]) {
    var adapters = selected
    var ranking = [Int32](repeating: 0, count: selected.count)
    // The ranks of a token's adapters, in ascending order of adapter.
    var order = [Int](repeating: 0, count: topK)
    for first in stride(from: 0, to: tokens * topK, by: topK) {
      if topK == 2 {
        let isAscending = selected[first] < selected[first + 1]
        (order[0], order[1]) = isAscending ? (0, 1) : (1, 0)
      } else {
        for rank in 0..<topK { order[rank] = rank }
        order.sort { selected[first + $0] < selected[first + $1] }
      }
      for term in 0..<topK {
        adapters[first + term] = selected[first + order[term]]
        ranking[first + order[term]] = Int32(truncatingIfNeeded: term)
      }
    }
    return (adapters, ranking)
  }
}
