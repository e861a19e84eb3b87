import MeteoRASafetensors

// The adapters that a model takes, against those that it takes in binary64. For M modules, in the
// order in which a forward pass comes to them, T tokens and k adapters a token the case holds
//
//   selected [M, T, k]    the true choice, largest gate logit first
//   gap64 [M, T]          the k-th largest gate logit less the next
//   order_gap64 [M, T]    the least step between two neighbours of the k largest; none for k = 1
//
// Token by token, and module by module within a token: the adapters are the same set unless gap64
// is less than 1e-4, and in the same order unless order_gap64 is. A token that takes other
// adapters, where it may, changes everything after it: there the comparison ends.

extension Expectation {
  /// A step between gate logits below which binary32 may choose otherwise.
  private static let close = 1e-4

  /// - Returns: How many tokens come before the first that takes other adapters.
  func judgeChoices(
    of modules: [String], in actual: [String: GoldenTensor], _ judgement: inout Judgement
  ) throws(VerificationError) -> Int {
    let truth = try TrueChoices(self, moduleCount: modules.count)
    let shape = [truth.tokenCount, truth.topK]
    // A module whose choice is missing is a finding; the others are compared.
    let chosen = modules.map { module in
      integers(GoldenCase.selected(of: module), of: actual, shape: shape, &judgement)
    }
    var closeOrders = 0
    for token in 0..<truth.tokenCount {
      for (index, module) in modules.enumerated() {
        guard let choices = chosen[index] else { continue }
        let mine = Array(choices[token * truth.topK..<(token + 1) * truth.topK])
        let (expected, gap, orderGap) = truth[module: index, token: token]
        judgement.adapterChoices.add(gap: gap, bound: Self.close)
        if orderGap < Self.close { closeOrders += 1 }
        if mine == expected { continue }
        let isSameSet = mine.sorted() == expected.sorted()
        if isSameSet, orderGap < Self.close { continue }
        guard !isSameSet, gap < Self.close else {
          let lead = isSameSet ? orderGap : gap
          judgement.add(
            GoldenCase.selected(of: module),
            .choice(position: [token], actual: mine, expected: expected, gap: lead))
          return token
        }
        judgement.adapterChoices.differing += 1
        judgement.notes.append(
          "\(module) of token \(token) takes \(mine), not \(expected), which lead by \(gap): "
            + "what follows is not compared")
        return token
      }
    }
    let count = judgement.adapterChoices
    if count.total == 0 { return truth.tokenCount }
    judgement.notes.append(
      "\(count.total) choices of adapters equal, \(count.close) of them close"
        + (closeOrders > 0 ? ", \(closeOrders) of close order" : ""))
    return truth.tokenCount
  }

  private func integers(
    _ name: String, of actual: [String: GoldenTensor], shape: [Int], _ judgement: inout Judgement
  ) -> [Int64]? {
    guard let tensor = actual[name] else {
      judgement.add(name, .missing(expected: "I64 \(shape)"))
      return nil
    }
    guard case .int64(let values) = tensor.elements, tensor.shape == shape else {
      judgement.add(name, .form(actual: tensor.form, expected: "I64 \(shape)"))
      return nil
    }
    return values
  }
}

/// The choices of a case and how clear they are.
private struct TrueChoices {
  let tokenCount: Int
  let topK: Int
  private let selected: [Int64]
  private let gaps: [Double]
  private let orderGaps: [Double]?

  init(_ expectation: Expectation, moduleCount: Int) throws(VerificationError) {
    guard let tensor = expectation.tensors["selected"], tensor.shape.count == 3,
      case .int64(let selected) = tensor.elements, tensor.shape[0] == moduleCount
    else { throw expectation.inapplicable }
    (tokenCount, topK) = (tensor.shape[1], tensor.shape[2])
    self.selected = selected
    let gaps = try expectation.truthValues("gap64")
    let orderGaps = topK > 1 ? try expectation.truthValues("order_gap64") : nil
    let shape = [moduleCount, tensor.shape[1]]
    guard gaps.shape == shape, orderGaps.map({ $0.shape == shape }) ?? true,
      try expectation.truthValues("logits64").shape[0] == tokenCount
    else { throw expectation.inapplicable }
    self.gaps = gaps.values
    self.orderGaps = orderGaps?.values
  }

  subscript(
    module module: Int, token token: Int
  ) -> (selected: [Int64], gap: Double, orderGap: Double) {
    let row = module * tokenCount + token
    return (
      Array(selected[row * topK..<(row + 1) * topK]), gaps[row], orderGaps?[row] ?? .infinity
    )
  }
}
