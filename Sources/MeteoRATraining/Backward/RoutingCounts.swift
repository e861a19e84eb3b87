import MeteoRALlama

/// How often the gate of each module ranked the right adapter first, in prompts and in responses.
package struct RoutingCounts: Sendable, Equatable {
  /// Labelled rows and right choices.
  package struct Count: Sendable, Equatable {
    package var labelled = 0
    package var right = 0

    package init() {}

    /// The share of right choices; `nil` without any.
    package var accuracy: Double? { labelled == 0 ? nil : Double(right) / Double(labelled) }

    static func + (a: Count, b: Count) -> Count {
      var sum = a
      sum.labelled += b.labelled
      sum.right += b.right
      return sum
    }
  }

  /// What the rows of a module come to.
  package struct ModuleCount: Sendable, Equatable {
    package var prompts = Count()
    package var responses = Count()

    package init() {}

    package var all: Count { prompts + responses }

    static func + (a: ModuleCount, b: ModuleCount) -> ModuleCount {
      var sum = ModuleCount()
      sum.prompts = a.prompts + b.prompts
      sum.responses = a.responses + b.responses
      return sum
    }
  }

  /// By layer and ``LinearModule/index``.
  package private(set) var modules: [[ModuleCount]]

  package init(layers: Int) {
    modules = Array(
      repeating: Array(repeating: ModuleCount(), count: LinearModule.allCases.count),
      count: layers)
  }

  /// Those of the gates that labelled rows went through, by the paths of their modules.
  package var gates: [(path: String, count: ModuleCount)] {
    modules.enumerated().flatMap { layer, counts in
      LinearModule.allCases.compactMap { module in
        let count = counts[module.index]
        return count.all.labelled == 0 ? nil : (module.path(layer: layer), count)
      }
    }
  }

  /// Over all modules.
  package var total: ModuleCount { modules.joined().reduce(ModuleCount(), +) }

  /// Adds those of another batch.
  mutating func add(_ other: RoutingCounts) {
    for (layer, counts) in other.modules.enumerated() {
      for (module, count) in counts.enumerated() {
        modules[layer][module] = modules[layer][module] + count
      }
    }
  }

  mutating func add(_ count: ModuleCount, layer: Int, module: LinearModule) {
    modules[layer][module.index] = modules[layer][module.index] + count
  }
}
