import MeteoRATestSupport

@testable import MeteoRAKernels

/// A frozen layer with adapters and, if there are several, a gate: all but the base is trained.
///
///     g = W_gate · x + e      I, w = the topK largest of g, softmax of g / T      y = W · x + Σ_I …
///
/// The gradient of e, which is zero, is that of the gate's logits. The loss counts y and, in place
/// of the gate loss, g.
struct RoutedLayerExample: Sendable {
  let tokens: Int
  let inputs: Int
  let outputs: Int
  /// `nil` for an adapter that lacks the module.
  let ranks: [Int?]
  let topK: Int
  let temperature: Float
  let rowsOfTile: Int
  /// By adapter, `[tokens, inputs]`.
  let masks: [[Float]]?
  let weight: [Float]
  let scalings: [Float]
  /// Weight and masks in binary64.
  private let wide: (weight: [Double], masks: [[Double]]?)
  let variables: [GradientExample.Variable]
  let outputGradient: [Float]

  var isGated: Bool { ranks.count > 1 }
  private var adapterCount: Int { ranks.count }

  init(
    tokens: Int, inputs: Int, outputs: Int, ranks: [Int?], topK: Int = 1, temperature: Float = 1,
    rowsOfTile: Int = 512, hasDropout: Bool = false
  ) {
    typealias Variable = GradientExample.Variable
    self.tokens = tokens
    self.inputs = inputs
    self.outputs = outputs
    self.ranks = ranks
    self.topK = topK
    self.temperature = temperature
    self.rowsOfTile = rowsOfTile
    var random = SeededRandom(tokens + inputs + outputs + topK)
    masks =
      hasDropout
      ? ranks.map { _ in
        (0..<tokens * inputs).map { _ in Int.random(in: 0..<4, using: &random) == 0 ? 0 : 4 / 3 }
      } : nil
    weight = random.floats(outputs * inputs)
    wide = (weight.map(Double.init), masks?.map { $0.map(Double.init) })
    scalings = random.floats(ranks.count)
    let count = ranks.count
    let gate = random.floats(count * inputs)
    // Rows whose choice is far from another one.
    var x: [Float] = []
    while x.count < tokens * inputs {
      let row = random.floats(inputs)
      let logits = Reference.linear(
        row.map(Double.init), width: inputs, weight: gate.map(Double.init))
      if Reference.selectionGap(logits, width: count, topK: topK) > 0.01 { x += row }
    }
    func added(_ name: String, _ shape: [Int], _ values: [Float]) -> Variable {
      Variable(name, shape, values, addedTo: random.floats(values.count))
    }
    var variables = [Variable("x", [tokens, inputs], x)]
    if count > 1 {
      variables.append(added("gate", [count, inputs], gate))
      variables.append(
        Variable("g", [tokens, count], [Float](repeating: 0, count: tokens * count)))
    }
    for (index, rank) in ranks.enumerated() {
      guard let rank else { continue }
      variables.append(added("A\(index)", [rank, inputs], random.floats(rank * inputs)))
      variables.append(added("B\(index)", [outputs, rank], random.floats(outputs * rank)))
    }
    self.variables = variables
    outputGradient = random.floats(tokens * (outputs + (count > 1 ? count : 0)))
  }

  /// y, then g.
  func outputs(_ values: [[Double]]) -> [Double] {
    let x = values[0]
    var y = Reference.linear(x, width: inputs, weight: wide.weight)
    guard isGated else {
      let only = [[(adapter: Int, weight: Double)]](repeating: [(0, 1)], count: tokens)
      Reference.addUpdates(
        x, width: inputs, selections: only, adapters: adapters(values), to: &y)
      return y
    }
    let logits = Reference.sum(
      Reference.linear(x, width: inputs, weight: values[1]), values[2])
    let selections = Reference.selections(
      logits, width: adapterCount, topK: topK, temperature: Double(temperature))
    Reference.addUpdates(
      x, width: inputs, selections: selections, adapters: adapters(values), to: &y)
    return y + logits
  }

  private func adapters(_ values: [[Double]]) -> [Reference.Adapter?] {
    var place = isGated ? 3 : 1
    return ranks.indices.map { index in
      if ranks[index] == nil { return nil }
      defer { place += 2 }
      return Reference.Adapter(
        a: values[place], b: values[place + 1], scaling: Double(scalings[index]),
        mask: wide.masks?[index])
    }
  }

  /// As a training pass does it; see `TrainingPass+Group.swift` of MeteoRATraining.
  func differentiate(_ memory: GradientExample.Memory, _ parallelism: Parallelism) throws {
    let x = memory.values[0]
    let gate =
      isGated
      ? try GradientExample.weights(memory.values[1], outputs: adapterCount, inputs: inputs) : nil
    let routing = try routing(x, gate, parallelism)
    let bank = try bank(memory)
    let dropout = dropout
    let z = RoutedUpdate(routing, bank: bank, rowsOfTile: rowsOfTile, inputDropout: dropout)
    let u = RoutedUpdate(
      routing, bank: try bank.transposed(), rowsOfTile: rowsOfTile, outputDropout: dropout)
    RoutedUpdate.projectDown([z], x: x, parallelism: parallelism)
    RoutedUpdate.projectDown([u], x: memory.c, parallelism: parallelism)
    let gradient = RoutedGradient(z: z, u: u, routing: routing)
    if isGated {
      let logitGradient = memory.gradients[2]
      logitGradient.update(from: memory.c + tokens * outputs, count: tokens * adapterCount)
      gradient.addGateGradients(
        temperature: temperature, to: logitGradient, parallelism: parallelism)
      addWeightGradient(
        GradientRows(logitGradient, count: tokens, width: adapterCount),
        GradientRows(x, count: tokens, width: inputs),
        to: GradientTarget(memory.gradients[1], width: inputs), parallelism: parallelism)
    }
    var place = isGated ? 3 : 1
    for (index, rank) in ranks.enumerated() where rank != nil {
      gradient.addAdapterGradients(
        of: index, input: x, outputGradient: memory.c, a: memory.gradients[place],
        b: memory.gradients[place + 1], parallelism: parallelism)
      place += 2
    }
    let weights = try WeightMatrix(weight, outFeatures: outputs, inFeatures: inputs)
    let gateTerm = gate.map { InputGradientTerm.Gate($0, memory.gradients[2]) }
    inputGradient(
      [InputGradientTerm(weights, memory.c, update: u, gate: gateTerm)], rows: tokens,
      tile: rowsOfTile, to: memory.gradients[0], parallelism: parallelism)
  }

  private func routing(
    _ x: UnsafePointer<Float>, _ gate: WeightMatrix?, _ parallelism: Parallelism
  ) throws -> Routing {
    guard let gate else { return Routing(onlyAdapterFor: tokens) }
    let logits = AlignedMemory(byteCount: tokens * adapterCount * MemoryLayout<Float>.size)
    multiply(
      [LinearTerm(gate, to: logits.floats)], by: x, rows: tokens, parallelism: parallelism)
    return Routing(
      checked: UnsafeBufferPointer(start: logits.floats, count: tokens * adapterCount),
      tokens: tokens, adapterCount: adapterCount, topK: topK, temperature: temperature,
      parallelism: parallelism)
  }

  private func bank(_ memory: GradientExample.Memory) throws -> LoRABank {
    var place = isGated ? 3 : 1
    let adapters = try ranks.indices.map { index -> LoRAAdapter? in
      guard let rank = ranks[index] else { return nil }
      defer { place += 2 }
      return try LoRAAdapter(
        a: GradientExample.weights(memory.values[place], outputs: rank, inputs: inputs),
        b: GradientExample.weights(memory.values[place + 1], outputs: outputs, inputs: rank),
        scaling: scalings[index])
    }
    return try LoRABank(adapters: adapters, outFeatures: outputs, inFeatures: inputs)
  }

  private var dropout: LoRADropout? {
    guard let masks else { return nil }
    let width = inputs
    return LoRADropout { row, adapter, columns, target in
      for (index, column) in columns.enumerated() {
        target[index] = masks[adapter][row * width + column]
      }
    }
  }
}
