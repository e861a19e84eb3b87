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
  /// NaN ranks above +∞. Where NaN or +∞ is selected, or nothing but −∞, or the quotient with a
  /// tiny temperature overflows, all weights of the token are NaN, unless `topK` is 1: the weight
  /// is then 1 by rule.
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
    temperature: Float, parallelism: Parallelism = .serial
  ) {
    var adapters = [Int32](repeating: 0, count: tokens * topK)
    var ranking = adapters
    var weights = [Float](repeating: 1, count: tokens * topK)
    adapters.withUnsafeMutableBufferPointer { adapters in
      ranking.withUnsafeMutableBufferPointer { ranking in
        weights.withUnsafeMutableBufferPointer { weights in
          guard let selected = adapters.baseAddress, let ranks = ranking.baseAddress,
            let values = logits.baseAddress
          else { return }
          // A few tokens are not worth a thread.
          let piece = 16
          nonisolated(unsafe) let weights = weights
          parallelism.forEachRange(of: (tokens + piece - 1) / piece) { range in
            let own = range.lowerBound * piece..<min(range.upperBound * piece, tokens)
            for token in own {
              selectLargest(
                topK, of: values + token * adapterCount, count: adapterCount,
                to: selected + token * topK)
            }
            Self.sortAscending(selected, ranking: ranks, tokens: own, topK: topK)
            Self.weigh(
              selected, logits: values, tokens: own, adapterCount: adapterCount, topK: topK,
              temperature: temperature,
              to: UnsafeMutableBufferPointer(
                rebasing: weights[own.lowerBound * topK..<own.upperBound * topK]))
          }
        }
      }
    }
    self.tokens = tokens
    self.topK = topK
    self.adapterCount = adapterCount
    self.adapters = adapters
    self.ranking = ranking
    self.weights = weights
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
    var adapters = selected
    var ranking = [Int32](repeating: 0, count: selected.count)
    adapters.withUnsafeMutableBufferPointer { adapters in
      ranking.withUnsafeMutableBufferPointer { ranking in
        guard let terms = adapters.baseAddress, let ranks = ranking.baseAddress else { return }
        Self.sortAscending(terms, ranking: ranks, tokens: 0..<tokens, topK: topK)
      }
    }
    for (index, adapter) in adapters.enumerated() {
      let repeated = index % topK > 0 && adapters[index - 1] == adapter
      guard adapter >= 0, adapter < adapterCount, !repeated else {
        throw .invalidSelection(
          token: index / topK, adapter: Int(adapter), adapterCount: adapterCount)
      }
    }
    var aligned = weights
    for (place, term) in ranking.enumerated() {
      aligned[place / topK * topK + Int(term)] = weights[place]
    }
    self.tokens = tokens
    self.topK = topK
    self.adapterCount = adapterCount
    self.weights = aligned
    self.adapters = adapters
    self.ranking = ranking
  }

  /// The only adapter of a bank for every token, with weight 1.
  package init(onlyAdapterFor tokens: Int) {
    self.init(adapters: [Int32](repeating: 0, count: tokens), adapterCount: 1)
  }

  /// One adapter for each token, with weight 1.
  ///
  /// - Parameter adapters: Indices below `adapterCount`.
  package init(adapters: [Int32], adapterCount: Int) {
    tokens = adapters.count
    topK = 1
    self.adapterCount = adapterCount
    self.adapters = adapters
    weights = [Float](repeating: 1, count: adapters.count)
    ranking = [Int32](repeating: 0, count: adapters.count)
  }

  /// The adapters of `token`, largest gate logit first, with their weights; none if there is no
  /// such token.
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
  /// As ``softmax(inPlace:count:)`` of the terms of every token, with one call for all
  /// exponentials.
  ///
  /// - Parameter weights: Those of `tokens`.
  private static func weigh(
    _ adapters: UnsafePointer<Int32>, logits: UnsafePointer<Float>, tokens: Range<Int>,
    adapterCount: Int, topK: Int, temperature: Float,
    to weights: UnsafeMutableBufferPointer<Float>
  ) {
    // The weight of an only adapter is 1 by rule.
    guard topK > 1, let first = weights.baseAddress else { return }
    for (index, token) in tokens.enumerated() {
      let row = first + index * topK
      let terms = adapters + token * topK
      let values = logits + token * adapterCount
      for term in 0..<topK { row[term] = values[Int(terms[term])] / temperature }
      subtractLargest(row, count: topK)
    }
    CorrectlyRounded.exp(inPlace: weights)
    for index in 0..<tokens.count { divideBySum(first + index * topK, count: topK) }
  }

  /// Sorts the adapters of every token, and remembers where each one went.
  private static func sortAscending(
    _ adapters: UnsafeMutablePointer<Int32>, ranking: UnsafeMutablePointer<Int32>,
    tokens: Range<Int>, topK: Int
  ) {
    var order: [(adapter: Int32, rank: Int)] = []
    order.reserveCapacity(topK)
    for token in tokens {
      let terms = adapters + token * topK
      let ranks = ranking + token * topK
      if topK == 2 {
        // As the paper has it; a call to sort would cost more than all the rest.
        let (first, second) = (terms[0], terms[1])
        (terms[0], terms[1]) = (min(first, second), max(first, second))
        (ranks[0], ranks[1]) = first < second ? (0, 1) : (1, 0)
        continue
      }
      order.removeAll(keepingCapacity: true)
      for rank in 0..<topK { order.append((terms[rank], rank)) }
      order.sort { $0.adapter < $1.adapter }
      for (term, entry) in order.enumerated() {
        terms[term] = entry.adapter
        ranks[entry.rank] = Int32(truncatingIfNeeded: term)
      }
    }
  }
}
