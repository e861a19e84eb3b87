// Routing among some of the adapters: the gate logits of the others are left out before the top-k,
// so that the choice and its weights are those of a gate that never had their rows.
//
//   g [tokens, adapters]   allowed [m], ascending
//   h[j] = g[allowed[j]]       route h as ever; j stands for adapter allowed[j]
//
// Both the ties (lower index first) and the sums (ascending index) go by the order of the indices,
// which leaving some out does not change.

extension Routing {
  /// Routes by gate logits, among some of the adapters.
  ///
  /// - Parameters:
  ///   - logits: `[tokens, adapterCount]`, row-major; those of other adapters are never looked at.
  ///   - topK: 1 … `allowed.count`.
  ///   - temperature: Finite, above 0; divides the selected logits.
  ///   - allowed: Indices below `adapterCount`, ascending.
  /// - Throws: ``KernelError`` if an argument is out of range or `logits` has another size.
  public init(
    logits: [Float], tokens: Int, adapterCount: Int, topK: Int, temperature: Float,
    among allowed: [Int]
  ) throws(KernelError) {
    try Self.requireTemperature(temperature)
    try requireElements(logits.count, shape: [tokens, adapterCount], of: "gate logits")
    try requireRouter(topK: 1, adapterCount: adapterCount)
    let isAscending = zip(allowed, allowed.dropFirst()).allSatisfy { $0 < $1 }
    guard let first = allowed.first, let last = allowed.last, isAscending, first >= 0,
      last < adapterCount
    else {
      throw .outOfRange(
        argument: "allowed adapters", actual: "\(allowed)",
        allowed: "at least one of 0..<\(adapterCount), ascending")
    }
    guard (1...allowed.count).contains(topK) else {
      throw .outOfRange(
        argument: "router top-k", actual: "\(topK)",
        allowed: "1...\(allowed.count) (the allowed adapters)")
    }
    self = logits.withUnsafeBufferPointer { logits in
      Routing(
        checked: logits, tokens: tokens, adapterCount: adapterCount, topK: topK,
        temperature: temperature, among: allowed)
    }
  }

  /// As the public form, for arguments that were checked.
  package init(
    checked logits: UnsafeBufferPointer<Float>, tokens: Int, adapterCount: Int, topK: Int,
    temperature: Float, among allowed: [Int], parallelism: Parallelism = .serial
  ) {
    var gathered: [Float] = []
    gathered.reserveCapacity(tokens * allowed.count)
    for token in 0..<tokens {
      for adapter in allowed { gathered.append(logits[token * adapterCount + adapter]) }
    }
    let routing = gathered.withUnsafeBufferPointer { gathered in
      Routing(
        checked: gathered, tokens: tokens, adapterCount: allowed.count, topK: topK,
        temperature: temperature, parallelism: parallelism)
    }
    self.tokens = tokens
    self.topK = topK
    self.adapterCount = adapterCount
    adapters = routing.adapters.map { Int32(truncatingIfNeeded: allowed[Int($0)]) }
    weights = routing.weights
    ranking = routing.ranking
  }
}
