package org.libzeebe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.camunda.zeebe.gateway.protocol.GatewayGrpc;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.ActivatedJob;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.CompleteJobRequest;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.CreateProcessInstanceRequest;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.DeployResourceRequest;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.Resource;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import io.camunda.zeebe.gateway.protocol.GatewayOuterClass.TopologyRequest;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The stubs that the official Java client has run on this channel. */
@Timeout(60)
class CamundaStubsTest {
  private static final String PROCESS =
      """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
        <process id="p" isExecutable="true"><startEvent id="s"/>
          <serviceTask id="t"><extensionElements><z:taskDefinition type="work"/></extensionElements></serviceTask>
          <endEvent id="e"/><sequenceFlow id="1" sourceRef="s" targetRef="t"/><sequenceFlow id="2" sourceRef="t" targetRef="e"/>
        </process></definitions>
      """;

  @Test
  void jobIsServed() throws Exception {
    try (var gateway = new Gateway();
        var channel = gateway.oauth2().build()) {
      var blocking =
          GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(40, TimeUnit.SECONDS);
      assertEquals(1, blocking.topology(TopologyRequest.getDefaultInstance()).getBrokersCount());

      var job = new CompletableFuture<ActivatedJob>();
      GatewayGrpc.newStub(channel)
          .streamActivatedJobs(
              StreamActivatedJobsRequest.newBuilder().setType("work").setTimeout(10_000).build(),
              new StreamObserver<>() {
                @Override
                public void onNext(ActivatedJob activated) {
                  job.complete(activated);
                }

                @Override
                public void onError(Throwable failure) {
                  job.completeExceptionally(failure);
                }

                @Override
                public void onCompleted() {}
              });
      var resource =
          Resource.newBuilder().setName("p.bpmn").setContent(ByteString.copyFromUtf8(PROCESS));
      blocking.deployResource(DeployResourceRequest.newBuilder().addResources(resource).build());
      GatewayGrpc.newFutureStub(channel)
          .createProcessInstance(
              CreateProcessInstanceRequest.newBuilder()
                  .setBpmnProcessId("p")
                  .setVersion(-1)
                  .setVariables("{\"name\": \"\u2603\"}")
                  .build())
          .get(20, TimeUnit.SECONDS);
      ActivatedJob activated = job.get(20, TimeUnit.SECONDS);
      assertTrue(activated.getVariables().contains("\u2603"), activated.getVariables());
      blocking.completeJob(CompleteJobRequest.newBuilder().setJobKey(activated.getKey()).build());
    }
  }
}
